// What an installation places, and whether systemd takes the units.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { definitions } from '../../packages/data-plane/src/settings/definitions.ts';
import { root } from '../process.ts';

const units = join(root, 'deploy/systemd');
const systemdMissing = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'needs systemd-analyze';
/** A tenth of systemd's points: from 0 for a service that may do nothing to 100. */
const mostExposure = '25';

interface Installation {
  readonly destination: string;
  run(...args: readonly string[]): { readonly code: number | null; readonly output: string };
}

/** A folder to install to, and one with programs to install. */
function openInstallation(context: TestContext): Installation {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-install-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const from = join(folder, 'from');
  mkdirSync(from);
  for (const program of ['kuma-cp', 'kuma-dp', 'kumactl', 'envoy'])
    writeFileSync(join(from, program), `#!/bin/sh\n# ${program}\n`, { mode: 0o755 });
  const destination = join(folder, 'host');
  return {
    destination,
    run(...args) {
      const words = args.map((word) => word.replace('FROM', from));
      const { status, stdout, stderr } = spawnSync(join(root, 'deploy/install.sh'), words, {
        encoding: 'utf8',
        env: { ...process.env, DESTDIR: destination },
      });
      return { code: status, output: `${stdout}${stderr}` };
    },
  };
}

test('a control plane and a proxy are placed, and what a user wrote stays', (context) => {
  const { destination, run } = openInstallation(context);
  assert.equal(run('control-plane', '--from', 'FROM').code, 0);
  const proxy = ['data-plane', '--from', 'FROM', '--envoy', 'FROM/envoy'];
  assert.match(run(...proxy).output, /systemctl enable --now kuma-dp@web-1/);
  for (const program of ['kuma-cp', 'kuma-dp', 'kumactl', 'envoy'])
    assert.equal(statSync(join(destination, 'usr/local/bin', program)).mode & 0o777, 0o755);
  assert.deepEqual(readdirSync(join(destination, 'etc/systemd/system')).sort(), readdirSync(units).sort());
  assert.equal(statSync(join(destination, 'etc/kuma')).mode & 0o777, 0o750);
  const settings = join(destination, 'etc/kuma/kuma-dp.env');
  writeFileSync(settings, 'KUMA_CONTROL_PLANE_URL=https://here:5678\n');
  assert.equal(run(...proxy).code, 0);
  assert.equal(readFileSync(settings, 'utf8'), 'KUMA_CONTROL_PLANE_URL=https://here:5678\n');
});

test('what is missing is named, and nothing is placed', (context) => {
  const { destination, run } = openInstallation(context);
  const help = run('--help');
  assert.equal(help.code, 0);
  assert.match(help.output, /sudo deploy\/install\.sh data-plane --envoy PATH \[--from DIR\]/);
  assert.doesNotMatch(help.output, /set -eu/);
  const wrong: readonly [args: readonly string[], reason: RegExp][] = [
    [[], /say what to install: control-plane or data-plane/],
    [['data-plane', '--from', 'FROM'], /--envoy is missing/],
    [['data-plane', '--from', 'FROM', '--envoy', 'FROM/none'], /--envoy: .*none is no executable/],
    [['control-plane', '--from', '/nowhere'], /--from: \/nowhere has no kuma-cp; build it with npm run build/],
    [['control-plane', '--frm', 'x'], /--frm is not known; expected --from or --envoy/],
  ];
  for (const [args, reason] of wrong) {
    const { code, output } = run(...args);
    assert.equal(code, 1);
    assert.match(output, reason);
  }
  assert.equal(existsSync(destination), false);
});

test('systemd takes the units, and they let their services do little', { skip: systemdMissing }, (context) => {
  // because a machine without systemd has no use for them
  const folder = mkdtempSync(join(tmpdir(), 'ursa-units-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of readdirSync(units)) {
    // The executables are not installed on the machine that runs this.
    const text = readFileSync(join(units, name), 'utf8').replaceAll(/\/usr\/local\/bin\/\w[\w-]*/g, '/bin/true');
    const instance = name.replace('@.', '@web-1.');
    writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, instance), text);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, instance)], { encoding: 'utf8' });
    assert.deepEqual({ name, status, stderr }, { name, status: 0, stderr: '' });
    if (name.startsWith('kuma-transparent')) continue;
    execFileSync(
      'systemd-analyze',
      ['security', '--offline=true', `--threshold=${mostExposure}`, join(folder, instance)],
      { stdio: 'pipe' },
    );
  }
});

test('the units name flags and settings that there are', () => {
  const known = Object.values(definitions);
  let checked = 0;
  for (const name of readdirSync(units)) {
    const text = readFileSync(join(units, name), 'utf8');
    const [, dataPlaneFlags = ''] = /^ExecStart=\S+kuma-dp (?:run|join) (.*)$/m.exec(text) ?? [];
    for (const [, flag] of dataPlaneFlags.matchAll(/--([a-z-]+)/g)) {
      checked += 1;
      assert.ok(
        known.some((setting) => setting.flag === flag),
        `${name}: --${flag}`,
      );
    }
    for (const [variable] of text.matchAll(/KUMA_DATAPLANE_\w+/g))
      assert.ok(
        known.some((setting) => setting.env === variable),
        `${name}: ${variable}`,
      );
  }
  assert.ok(checked >= 7);
});
