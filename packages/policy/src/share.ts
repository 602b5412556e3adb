// Sharing of merged confs: equal content becomes one frozen object, so that what depends on a conf can compare by identity.

const shared = new Map<string, WeakRef<object>>();
const forget = new FinalizationRegistry<string>((text) => {
  // The entry may have been renewed between the object's death and this call.
  if (shared.get(text)?.deref() === undefined) shared.delete(text);
});

/** The one frozen object for this JSON value. Costs one serialization; nothing is kept alive that nobody uses. */
export function share<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  const text = JSON.stringify(value);
  const known = shared.get(text)?.deref();
  if (known !== undefined) return known as Value;
  const fresh = freeze(JSON.parse(text) as Value & object);
  shared.set(text, new WeakRef(fresh));
  forget.register(fresh, text);
  return fresh;
}

function freeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freeze(part);
  }
  return Object.freeze(value);
}
