// The decision of role-based access control: does one of these rules grant what is asked for? Pure.
import type { AccessRule, AccessVerb, ResourceType } from '@ursa/resources';
import { holdsForResource, holdsForToken } from './qualifiers.ts';

/** What somebody asks to do. */
export type AccessRequest =
  | {
      readonly kind: 'resource';
      readonly access: AccessVerb;
      readonly type: Pick<ResourceType, 'name' | 'scope'>;
      /** '' for what belongs to no mesh, and for all meshes together. */
      readonly mesh: string;
      /** undefined: all of the type. */
      readonly name: string | undefined;
      /** What the resource says, before and after: a rule has to be about all of them. */
      readonly specs: readonly unknown[];
    }
  | {
      readonly kind: 'token';
      readonly access: AccessVerb;
      readonly mesh: string;
      readonly name: string;
      readonly tags: Readonly<Record<string, readonly string[]>>;
    };

/** Whether one of the rules grants it. What a rule does not say, it does not narrow; what cannot fit what it says is not granted. */
export function isGranted(rules: readonly AccessRule[], request: AccessRequest): boolean {
  if (request.kind === 'token') return rules.some((rule) => grantsToken(rule, request));
  const { specs } = request;
  if (specs.length === 0) return rules.some((rule) => isAbout(rule, request) && isUnconditional(rule));
  // What was there may be within another rule than what takes its place.
  return specs.every((spec) =>
    rules.some((rule) => isAbout(rule, request) && (isUnconditional(rule) || holdsForResource(rule.when ?? [], spec))),
  );
}

function isUnconditional({ when = [] }: AccessRule): boolean {
  return when.length === 0;
}

function isAbout(rule: AccessRule, request: Extract<AccessRequest, { kind: 'resource' }>): boolean {
  const { access = [], types = [], names = [], mesh = '' } = rule;
  const { type, name } = request;
  if (!access.includes(request.access)) return false;
  if (types.length > 0 && !types.includes(type.name)) return false;
  if (names.length > 0 && (name === undefined || !names.includes(name))) return false;
  // The mesh itself counts as what is within it.
  return mesh === '' || mesh === (type.name === 'Mesh' ? name : type.scope === 'Mesh' ? request.mesh : undefined);
}

/** `types` are of resources and say nothing of tokens; `names` are whom a token is for. */
function grantsToken(rule: AccessRule, request: Extract<AccessRequest, { kind: 'token' }>): boolean {
  const { access = [], names = [], mesh = '', when = [] } = rule;
  if (!access.includes(request.access)) return false;
  if (names.length > 0 && !names.includes(request.name)) return false;
  if (mesh !== '' && mesh !== request.mesh) return false;
  return when.length === 0 || (request.access === 'GENERATE_DATAPLANE_TOKEN' && holdsForToken(when, request.tags));
}
