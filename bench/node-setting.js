// What a node sets before it writes, as SQL makes it for the benchmarks that write without a server: signed, so that the
// triggers do as they do for a node.
const WRITER = '{"id":"alice","name":"Alice","kind":"user"}'

/** The value of `noclobber.actor`, as an expression. The five values behind the signatures have nothing to say. */
export const NODE_SETTING = `(select concat_ws(E'\\n', md5(k.key || w.writer), w.writer, md5(k.key || E'\\n\\n'), '', '', '', '', '')
  from (select encode(c.secret, 'hex') as key from noclobber.cursor_key c) k, (values ('${WRITER}')) w(writer))`
