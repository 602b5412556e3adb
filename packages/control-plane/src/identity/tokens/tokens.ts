// Tokens of data planes, zones and users over the signing keys in the store: what servers authenticate with.
import { type KeyObject, randomUUID } from 'node:crypto';
import {
  dataplaneTokenClaims,
  MeshError,
  type TokenKind,
  tokenSecrets,
  userTokenClaims,
  zoneTokenClaims,
} from '@ursa/resources';
import type { LiveResources } from '../../store/live-resources.ts';
import type { DataplaneTokenClaims, Tokens, ZoneTokenClaims } from '../access.ts';
import { type Clock, systemClock } from '../clock.ts';
import { authenticatedGroup } from '../users.ts';
import { readDataplaneClaims, readUserClaims, readZoneClaims } from './claims.ts';
import { parsePublicKey } from './signing-key.ts';
import { deriveTokenKeys, newestSigningKey, signingKeyCache } from './token-keys.ts';
import { refuse, signToken, type VerifiedToken, verifyToken } from './token-signature.ts';
import { openTokenWatches, revocationReason } from './token-watches.ts';

/** A public key from the configuration, for tokens that were issued away from this control plane. */
export interface ConfiguredPublicKey {
  readonly kind: TokenKind;
  readonly kid: string;
  /** Mesh whose data plane tokens it verifies; '' for other kinds. */
  readonly mesh: string;
  /** PEM. */
  readonly key: string;
}

export interface TokensOptions {
  readonly clock?: Clock;
  readonly publicKeys?: readonly ConfiguredPublicKey[];
  /** Kinds whose signing keys in the store are left out when verifying. */
  readonly withoutSecrets?: readonly TokenKind[];
  /** Kinds that are signed elsewhere only: why none is issued here and what to do instead. */
  readonly withoutIssuer?: ReadonlyMap<TokenKind, string>;
  /** How long issuing waits for a signing key that is being made, in milliseconds; default 0. A new mesh gets its key a moment after its creation. */
  readonly keyPatience?: number;
}

/** Tokens of a running control plane; `stop` ends all watches. */
export interface OpenTokens extends Tokens {
  stop(): void;
}

/** Opens the tokens over the store's content. Configured keys are parsed at once: `MeshError('invalid')` names a bad one. */
export function openTokens(live: LiveResources, options: TokensOptions = {}): OpenTokens {
  const clock = options.clock ?? systemClock;
  const tokenKeys = deriveTokenKeys(live);
  const parseKey = signingKeyCache();
  const watches = openTokenWatches(live.graph, tokenKeys, clock);
  const configured = new Map<string, KeyObject>(
    (options.publicKeys ?? []).map(({ kind, kid, mesh, key }) => [
      configuredKeyId(kind, mesh, kid),
      parsePublicKey(key, `public key ${kid} for ${kind} tokens`),
    ]),
  );
  const usesSecrets = (kind: TokenKind): boolean => !(options.withoutSecrets ?? []).includes(kind);

  const requireIssuer = (kind: TokenKind): void => {
    const reason = options.withoutIssuer?.get(kind);
    if (reason !== undefined) throw new MeshError('invalid', reason);
  };
  const issue = async (kind: TokenKind, mesh: string, claims: object): Promise<string> => {
    requireIssuer(kind);
    if (kind === 'dataplane' && !meshExists(mesh)) {
      throw new MeshError('not-found', `mesh "${mesh}" does not exist: create it first`);
    }
    await waitForSigningKey(kind, mesh);
    const stored = newestSigningKey(tokenKeys.get(kind, mesh), kind, mesh);
    return await signToken(claims, { kid: stored.kid, privateKey: parseKey(stored).privateKey });
  };
  const waitForSigningKey = (kind: TokenKind, mesh: string): Promise<void> =>
    new Promise((resolve) => {
      const { keyPatience = 0 } = options;
      if (keyPatience === 0 || tokenKeys.get(kind, mesh).signingKeys.length > 0) return resolve();
      const finish = (): void => {
        watch.stop();
        timer.stop();
        resolve();
      };
      const watch = live.graph.watch(tokenKeys, [kind, mesh], (keys) => {
        if (keys.signingKeys.length > 0) finish();
      });
      const timer = clock.at(clock.now() + keyPatience, finish);
    });
  const meshExists = (mesh: string): boolean => live.get({ type: 'Mesh', mesh: '', name: mesh }) !== undefined;
  const issueDetails = (validForSeconds: number) => {
    if (!Number.isFinite(validForSeconds) || validForSeconds <= 0) {
      throw new MeshError('invalid', 'validFor: must be more than 0 seconds', {
        violations: [{ field: 'validFor', message: 'must be more than 0 seconds' }],
      });
    }
    return { now: clock.now(), validForSeconds: Math.ceil(validForSeconds), id: randomUUID() };
  };
  const isStored = (kind: TokenKind, mesh: string, kid: string): boolean =>
    !configured.has(configuredKeyId(kind, mesh, kid));

  const keyFor = (kind: TokenKind, mesh: string, kid: string): KeyObject => {
    const offline = configured.get(configuredKeyId(kind, mesh, kid));
    if (offline !== undefined) return offline;
    const stored = usesSecrets(kind) ? tokenKeys.get(kind, mesh).signingKeys.find((key) => key.kid === kid) : undefined;
    if (stored !== undefined) return parseKey(stored).publicKey;
    const { type, signingKeyPrefix } = tokenSecrets(kind, mesh);
    const shownKid = kid.slice(0, 64);
    throw refuse(
      `signing key with KID ${shownKid} not found: there is no ${type} "${signingKeyPrefix}${shownKid}"; if the key was rotated, generate a new token`,
    );
  };
  const verify = async (kind: TokenKind, mesh: string, token: string): Promise<VerifiedToken> => {
    const verified = await verifyToken(token, (kid) => keyFor(kind, mesh, kid), clock.now());
    const storedKid = isStored(kind, mesh, verified.kid) ? verified.kid : undefined;
    const reason = revocationReason(tokenKeys.get(kind, mesh), { jti: verified.claims.jti, storedKid });
    if (reason !== undefined) throw refuse(reason);
    return verified;
  };

  return {
    requireIssuer,
    async issueDataplane({ validForSeconds, ...subject }) {
      return await issue('dataplane', subject.mesh, dataplaneTokenClaims(subject, issueDetails(validForSeconds)));
    },
    async issueZone({ validForSeconds, ...subject }) {
      return await issue('zone', '', zoneTokenClaims(subject, issueDetails(validForSeconds)));
    },
    async issueUser({ validForSeconds, ...subject }) {
      return await issue('user', '', userTokenClaims(subject, issueDetails(validForSeconds)));
    },
    async verifyDataplane(token, mesh) {
      // Names of meshes come from the network here: nothing is derived, so nothing kept, for one that does not exist.
      if (!meshExists(mesh)) {
        throw refuse(
          `mesh "${mesh.slice(0, 64)}" does not exist: create it, or give the proxy the name of an existing mesh`,
        );
      }
      return readDataplaneClaims(await verify('dataplane', mesh, token), mesh);
    },
    async verifyZone(token) {
      return readZoneClaims(await verify('zone', '', token));
    },
    async verifyUser(token) {
      const { Name, Groups } = readUserClaims(await verify('user', '', token));
      return { name: Name, groups: [...Groups.filter((group) => group !== authenticatedGroup), authenticatedGroup] };
    },
    watch(kind, claims, onInvalid) {
      const mesh = kind === 'dataplane' ? meshOf(claims) : '';
      const storedKid = claims.kid !== undefined && isStored(kind, mesh, claims.kid) ? claims.kid : undefined;
      return watches.add({ kind, mesh, jti: claims.jti, exp: claims.exp, storedKid }, onInvalid);
    },
    stop: () => watches.stop(),
  };
}

function configuredKeyId(kind: TokenKind, mesh: string, kid: string): string {
  return `${kind}/${mesh}/${kid}`;
}

function meshOf(claims: DataplaneTokenClaims | ZoneTokenClaims): string {
  return 'Mesh' in claims ? claims.Mesh : '';
}
