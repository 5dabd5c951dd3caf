// What a node sets before it writes, as SQL makes it for the benchmarks that write without a server: signed, so that the
// triggers do as they do for a node.
const WRITER = '{"id":"alice","name":"Alice","kind":"user"}'

/** The value of `noclobber.actor`, as an expression. Behind writer and node six values have nothing to say. */
export const NODE_SETTING = `(select md5(k.key || v.signed || k.key) || E'\\n' || v.signed
  from (select encode(c.secret, 'hex') as key from noclobber.cursor_key c) k, (values (E'${WRITER}\\nbench${'\\n'.repeat(6)}')) v(signed))`
