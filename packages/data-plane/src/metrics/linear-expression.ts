// Regular expressions that take linear time, whatever they are and whatever they read: as with RE2, without look-around and back-references.
import { setFlagsFromString } from 'node:v8';

let enabled = false;

/** A regular expression without backtracking. Throws `SyntaxError` for what cannot be read, or cannot be run in linear time. */
export function linearExpression(pattern: string): RegExp {
  // The flag is V8's own, and off by default. It has no effect on other expressions.
  if (!enabled) setFlagsFromString('--enable-experimental-regexp-engine');
  enabled = true;
  return new RegExp(pattern, 'l');
}
