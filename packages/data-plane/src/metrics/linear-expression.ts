// Regular expressions that take linear time, whatever they are and whatever they read, as Envoy reads them (RE2): those of users come here, and the
// engines of JavaScript go back and forth without end in some.
import { RE2JS } from 're2js';

/** Says of a text whether the expression is found in it. */
export type LinearExpression = (text: string) => boolean;

/** Reads an expression. Throws for what RE2 does not know, such as look-around and back-references. */
export function linearExpression(pattern: string): LinearExpression {
  const expression = RE2JS.compile(pattern);
  return (text) => expression.test(text);
}
