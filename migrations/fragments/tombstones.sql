-- For trigger-body.sql: the tombstones of the new row's id.
:changes_of_the_id and c.event = 'deleted'
