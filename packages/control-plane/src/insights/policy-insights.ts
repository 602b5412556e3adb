// The stored insights of policies, as data: what a refusal adds, what an attempt takes back, what a change of the policy ends. Pure.
import { type PolicyInsight, policyContent, policyInsightKey, type Refusal } from '@ursa/engine';
import type { PolicyHead } from '@ursa/policy';
import type { Resource, ResourceKey } from '@ursa/resources';
import type { StoreContent, StoreWrite } from '../store/store.ts';

const mostRefusals = 100;

/** The insight of a policy as it is stored, if it speaks of what the policy says now. */
export function insightOf(content: Pick<StoreContent, 'get'>, policy: Resource): PolicyInsight | undefined {
  const insight = content.get(policyInsightKey(policy))?.spec as PolicyInsight | undefined;
  return insight?.content === policyContent(policy) ? insight : undefined;
}

/** The write that notes that a proxy refuses a policy. None when the policy is gone or another by now. */
export function noteRefusal(
  content: StoreContent,
  { resource }: PolicyHead,
  refusal: Refusal,
  heldBack: boolean,
): readonly StoreWrite[] {
  const stored = content.get(resource);
  if (stored === undefined || policyContent(stored) !== policyContent(resource)) return [];
  const before = insightOf(content, stored);
  const others = before?.refusals.filter(({ proxy }) => proxy !== refusal.proxy) ?? [];
  const since = before?.refusals.find(({ proxy }) => proxy === refusal.proxy)?.since ?? refusal.since;
  const full = others.length >= mostRefusals;
  const spec: PolicyInsight = {
    policy: { type: resource.type, name: resource.name },
    content: policyContent(stored),
    heldBack,
    everywhere: full || before?.everywhere === true,
    refusals: full ? others : [...others, { ...refusal, since }],
  };
  return [{ kind: 'put', resource: { ...policyInsightKey(resource), labels: {}, spec } }];
}

/** The write that takes back what was noted of a proxy: leaving the policy out was not enough, or not needed. */
export function withdrawRefusal(content: StoreContent, policy: PolicyHead, proxy: string): readonly StoreWrite[] {
  const key = policyInsightKey(policy.resource);
  const stored = content.get(key);
  if (stored === undefined) return [];
  const before = stored.spec as PolicyInsight;
  const refusals = before.refusals.filter((refusal) => refusal.proxy !== proxy);
  if (refusals.length === 0) return [{ kind: 'delete', key }];
  return [{ kind: 'put', resource: { ...key, labels: {}, spec: { ...before, refusals } } }];
}

/** The write that ends the insight of a policy which was changed or deleted. */
export function endInsight(content: StoreContent, policy: ResourceKey): readonly StoreWrite[] {
  const key = policyInsightKey(policy);
  if (content.get(key) === undefined) return [];
  const stored = content.get(policy);
  return stored !== undefined && insightOf(content, stored) !== undefined ? [] : [{ kind: 'delete', key }];
}
