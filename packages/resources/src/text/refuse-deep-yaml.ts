// A look at the tokens of a YAML text before it is parsed: the parser's time and stack grow with nesting, the lexer's do not.
import { Lexer } from 'yaml';
import { maximumDepth } from '../schema/free-value.ts';
import { errorAt } from './position.ts';

/** Lexemes that stand for no character of the text. */
const marks: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f']);

/** Throws `MeshError` 'invalid' at the first bracket, or `- - -` on one line, that opens one level too many. */
export function refuseDeepYaml(text: string, source: string): void {
  let depth = 0;
  let indicators = 0;
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') depth++;
    else if (lexeme === ']' || lexeme === '}') depth--;
    if (lexeme === '-' || lexeme === '?') indicators++;
    else if (lexeme.trim() !== '') indicators = 0;
    if (depth > maximumDepth || indicators > maximumDepth) {
      throw errorAt(source, text, offset, `nested more than ${maximumDepth} levels deep`);
    }
    if (!marks.has(lexeme)) offset += lexeme.length;
  }
}
