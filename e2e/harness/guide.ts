// Reads a guide: its commands, and what each is said to print.
import { readFileSync } from 'node:fs';

/** A block of commands and the lines that its output must contain. */
export interface GuideStep {
  /** Line of the guide where the block starts. */
  readonly line: number;
  readonly commands: string;
  /** In this order; `…` stands for anything. */
  readonly prints: readonly string[];
}

/** Takes the `sh` blocks of a Markdown text, each with the `text` block that follows it, if one does. */
export function readGuide(path: string): readonly GuideStep[] {
  const steps: GuideStep[] = [];
  const lines = readFileSync(path, 'utf8').split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const language = lines[index]?.match(/^```(\w+)$/)?.[1];
    if (language === undefined) continue;
    const start = index + 1;
    index = lines.indexOf('```', start);
    if (index === -1) throw new Error(`${path}:${start}: the block has no end`);
    const content = lines.slice(start, index);
    if (language === 'sh') steps.push({ line: start, commands: content.join('\n'), prints: [] });
    const last = steps.at(-1);
    if (language === 'text' && last !== undefined) steps.splice(-1, 1, { ...last, prints: content });
  }
  return steps;
}

/** The first expected line that the output does not contain, after those before it; undefined when all are there. */
export function missingLine(output: string, prints: readonly string[]): string | undefined {
  let rest = output;
  for (const expected of prints) {
    const pattern = expected
      .split('…')
      .map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    const found = rest.match(new RegExp(pattern));
    if (found?.index === undefined) return expected;
    rest = rest.slice(found.index + found[0].length);
  }
  return undefined;
}
