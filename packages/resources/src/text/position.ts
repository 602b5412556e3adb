// Places in a text, for errors that show the line at fault.
import { MeshError } from '../error.ts';

/** A place in a text; line and column count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Line and column of an offset. */
export function positionAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

const shownWidth = 120;

/** The line at a place, cut to a readable width, with a caret under the column. */
export function excerptAt(text: string, { line, column }: TextPosition): string {
  const whole = text.split('\n', line)[line - 1] ?? '';
  const start = Math.max(0, column - Math.floor(shownWidth / 2));
  const shown = whole
    .slice(start, start + shownWidth)
    .replaceAll('\t', ' ')
    .trimEnd();
  return `${shown}\n${' '.repeat(Math.max(0, column - 1 - start))}^`;
}

/** A `MeshError` 'invalid' that says `file:line:column: what`, and shows the line. */
export function errorAt(source: string, text: string, offset: number, message: string): MeshError {
  const position = positionAt(text, offset);
  return new MeshError(
    'invalid',
    `${source}:${position.line}:${position.column}: ${message}\n${excerptAt(text, position)}`,
  );
}
