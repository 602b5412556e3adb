/**
 * What is made with the first call, and the same for all. For parts of configuration that are always alike: made when a program starts, they would have
 * files of Envoy's API read before anybody needs them (decision 0346).
 */
export function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
