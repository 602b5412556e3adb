// Figures as people read them.
import { type Figure, isMet } from './fault.ts';

/** A number with as many digits as it deserves. */
export function formatValue({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  if (value === null) return 'not within the patience of the test';
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`;
}

/** The promise, `≤ 2 s`; empty when there is none. */
export function formatTarget({ target, unit }: Pick<Figure, 'target' | 'unit'>): string {
  if (target === undefined) return '';
  return target.atMost === 0 ? '0' : `≤ ${target.atMost}${unit === '' ? '' : ` ${unit}`}`;
}

/** One figure on a line, with its promise beside it. */
export function formatFigure(figure: Figure): string {
  const target = formatTarget(figure);
  const verdict = target === '' ? '' : `  (promised: ${target})${isMet(figure) ? '' : '  MISSED'}`;
  return `${figure.name}: ${formatValue(figure)}${verdict}`;
}
