-- SQL of whether two values of a column differ, d.was and d.now, by the name of its type, d.type. A change is a difference of what is stored, as
-- the stamp compares rows: values that PostgreSQL takes for equal may look different (1.0 and 1.00, 0 and -0, a day and 24 hours). Where
-- equal values are stored alike it is asked by "=", which costs a fraction. Neither calls a function of a type's owner. It is no function:
-- the doctor's role may call that which makes the triggers' bodies, and none of ours beside.
format(case
    when d.type in ('boolean', 'smallint', 'integer', 'bigint', 'uuid', 'date', 'timestamp without time zone', 'timestamp with time zone',
      'bytea', 'an enum') then '%2$s is distinct from %1$s'
    when d.type in ('text', 'character varying') then '%2$s collate "C" is distinct from %1$s collate "C"'
    else 'record_image_ne(row(%2$s), row(%1$s))' end, d.was, d.now)
