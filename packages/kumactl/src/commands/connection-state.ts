// The columns that tell how a connection to the control plane fares, from the subscriptions of an insight.
import { field, listOf } from '../json-fields.ts';
import { formatAge } from '../table.ts';

/** Headings of what `connectionCells` gives. */
export const connectionHeaders = ['LAST CONNECTED AGO', 'LAST UPDATED AGO', 'TOTAL UPDATES', 'TOTAL ERRORS'] as const;

/** Ages of the newest subscription, and counts over all of them. */
export function connectionCells(insight: unknown, now: number): readonly string[] {
  const subscriptions = listOf(insight, 'subscriptions');
  const newest = subscriptions.at(-1);
  const sum = (name: string): number =>
    subscriptions.reduce<number>(
      (total, subscription) => total + Number(field(subscription, 'status', 'total', name) ?? 0),
      0,
    );
  return [
    formatAge(timeOf(field(newest, 'connectTime')), now),
    formatAge(timeOf(field(newest, 'status', 'lastUpdateTime')), now),
    String(sum('responsesSent')),
    String(sum('responsesRejected')),
  ];
}

/** Whether the newest subscription is open. */
export function isConnected(insight: unknown): boolean {
  const newest = listOf(insight, 'subscriptions').at(-1);
  return field(newest, 'connectTime') !== undefined && field(newest, 'disconnectTime') === undefined;
}

function timeOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
