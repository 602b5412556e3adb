// An explanation as text: the verdict first, then the way of the request, what policies do to it, and what is wrong with a fix.
import type { Explanation, PolicyReference } from '@ursa/engine';
import { formatFinding } from './findings-text.ts';
import type { PlacedFinding } from './offline/read-drafts.ts';

/** What is left out unless it is asked for. */
export interface ExplanationOptions {
  /** Prints the part of Envoy's configuration that belongs to each step. */
  readonly envoy: boolean;
}

/** The text. */
export function formatExplanation(explanation: Explanation, { envoy }: ExplanationOptions): string {
  const { summary, steps, policies, problems } = explanation;
  const lines = [summary, ...steps.map(({ at, text }) => `  ${at.padEnd(10)}  ${text}`)];
  for (const { type, side, effects, decidedBy, lost } of policies) {
    if (effects.length === 0 && lost.length === 0) continue;
    lines.push(`${type}, ${side} side`);
    if (effects.length > 0) lines.push(`  ${effects.join(', ')}`);
    for (const reference of decidedBy) lines.push(`  by ${nameOf(reference)}`);
    for (const { policy, reason } of lost) lines.push(`  not ${nameOf(policy)}: ${reason}`);
  }
  const parts = [`${lines.join('\n')}\n`, ...problems.map((problem: PlacedFinding) => formatFinding(problem))];
  if (envoy) {
    for (const { at, envoy: config } of steps) {
      if (config !== undefined) parts.push(`# ${at}\n${JSON.stringify(config, null, 2)}\n`);
    }
  }
  return parts.join('');
}

function nameOf({ name, field, kri }: PolicyReference): string {
  // Policies of the older kind have no KRI.
  return `${name}${field === '' ? '' : ` ${field}`}${kri === '' ? '' : ` (${kri})`}`;
}
