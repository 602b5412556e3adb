// How hosts become part of the mesh: join codes (identity), where they are exchanged (xds) and what they say of this control plane.

import { networkInterfaces } from 'node:os';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { HttpHandler } from './delta/grpc/index.ts';
import type { Tokens } from './identity/access.ts';
import type { Clock } from './identity/clock.ts';
import { type JoinCodes, type JoinEvent, openJoinCodes } from './identity/joining/join-codes.ts';
import {
  authorityOf,
  chooseAddresses,
  localUrl,
  namesOf,
  outwardAddress,
  type ReachableAs,
} from './identity/joining/reachable-as.ts';
import type { Log, Logger } from './log.ts';
import { workDirOf } from './open-store.ts';
import type { LiveResources } from './store/live-resources.ts';
import type { Store } from './store/store.ts';
import { networkWriteLimits, withWriteDeadline } from './store/write-deadline.ts';
import { workerNumber } from './workers/worker.ts';
import { joinEndpoints } from './xds/join-endpoint.ts';
import { openLocalJoining } from './xds/local-joining.ts';

/** What joining is composed of. */
export interface JoiningParts {
  readonly live: LiveResources;
  readonly store: Store;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly log: Log;
  /** PEM chain of the server for proxies. */
  readonly chain: () => string;
  readonly port: () => number;
}

/** What it is composed into. */
export interface Joining {
  readonly codes: JoinCodes;
  readonly reachableAs: ReachableAs;
  /** Of the server for proxies, by path. */
  readonly endpoints: ReadonlyMap<string, HttpHandler>;
  /** Started after the server for proxies. */
  readonly local: readonly Component[];
}

/** As long as `kumactl generate dataplane-token` gives: nothing renews the token of a proxy that runs. */
const tenYears = 10 * 365 * 24 * 3600;

/** Composes it. */
export function composeJoining(settings: Settings, parts: JoiningParts): Joining {
  const { live, tokens, clock, chain, port } = parts;
  const log = parts.log.component('joining');
  const codes = openJoinCodes({
    ...{ live, tokens, clock },
    store: withWriteDeadline(parts.store, networkWriteLimits),
    observe: auditTo(log),
  });
  const local = openLocalJoining({
    workDir: workDirOf(settings),
    tokens,
    tokenValidForSeconds: tenYears,
    reachable: () => ({
      url: localUrl(namesOf(chain()), ownAddresses(), port()),
      authority: authorityOf(chain()).certificate,
    }),
    log,
  });
  return {
    codes,
    reachableAs: {
      authority: () => authorityOf(chain()).fingerprint,
      addresses: async (wanted, calledAs) =>
        chooseAddresses({
          ...{ names: namesOf(chain()), wanted, calledAs, port: port(), own: ownAddresses() },
          outward: await outwardAddress(),
        }),
    },
    endpoints: joinEndpoints(codes, () => authorityOf(chain()).certificate),
    // Workers of one host share the work directory.
    local: (workerNumber(process.env) ?? 1) === 1 ? [local] : [],
  };
}

function ownAddresses(): readonly string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return interfaces
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

/** Who made, used or tried which code. Strangers who try codes that do not exist get one line in a while: they must not fill the log. */
function auditTo(log: Logger): (event: JoinEvent) => void {
  const pause = 10_000;
  let quietUntil = 0;
  let unsaid = 0;
  return ({ kind, ...facts }) => {
    if (kind !== 'refused') {
      log.info(kind === 'issued' ? 'a join code was made' : 'a host has joined with a code', facts);
      return;
    }
    const isStranger = 'code' in facts && facts.code === '';
    const now = performance.now();
    if (isStranger && now < quietUntil) {
      unsaid += 1;
      return;
    }
    log.warn('a join code was refused', isStranger && unsaid > 0 ? { ...facts, unsaid } : facts);
    if (!isStranger) return;
    quietUntil = now + pause;
    unsaid = 0;
  };
}
