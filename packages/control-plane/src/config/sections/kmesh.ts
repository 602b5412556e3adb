// Settings that the commercial distribution of the peer has in a section of its own.
import { list, type Raw, type Setting, SettingError, setting } from '../setting.ts';

/** A file that the audit is written to, and when it is rotated. */
export interface AuditFileSettings {
  readonly path: string;
  readonly rotation: {
    readonly enabled: boolean;
    readonly maxRetainedFiles: number;
    readonly maxSizeMb: number;
    readonly maxAgeDays: number;
  };
}

const defaultRotation: AuditFileSettings['rotation'] = {
  enabled: true,
  maxRetainedFiles: 10,
  maxSizeMb: 100,
  maxAgeDays: 30,
};

const expected =
  'a list of {type: file, file: {path, rotation: {enabled, maxRetainedFiles, maxSizeMb, maxAgeDays}}} (in the environment: the path of a file, or such a list as JSON)';

function auditBackends(): Setting<readonly AuditFileSettings[]> {
  const fromYaml = (raw: Raw): readonly AuditFileSettings[] => {
    if (raw === null) return [];
    return Array.isArray(raw) ? raw.map((item: Raw) => readBackend(item)) : refuse(raw);
  };
  return setting<readonly AuditFileSettings[]>(
    'KMESH_ACCESS_AUDIT_BACKENDS',
    [],
    'Files that accesses are written down in, a line of JSON each; none: there is no audit. `maxRetainedFiles` and `maxAgeDays` 0: no limit.',
    {},
    {
      expected,
      fromYaml,
      fromText: (text) => {
        if (text === '') return [];
        return text.startsWith('[') ? fromYaml(parseList(text)) : [{ path: text, rotation: defaultRotation }];
      },
      toJson: (files) =>
        files.map(({ path, rotation }) => ({ type: 'file', file: { path, rotation: { ...rotation } } })),
    },
  );
}

function parseList(text: string): Raw {
  try {
    return JSON.parse(text) as Raw;
  } catch {
    return refuse(text);
  }
}

function readBackend(raw: Raw): AuditFileSettings {
  const { type, file, ...others } = objectOf(raw);
  refuseUnknown(others);
  if (type !== 'file') throw new SettingError(`expected ${expected}, found the type ${JSON.stringify(type ?? null)}`);
  const { path, rotation = {}, ...otherFields } = objectOf(file ?? null);
  refuseUnknown(otherFields);
  if (typeof path !== 'string' || path === '') return refuse(raw);
  return { path, rotation: readRotation(objectOf(rotation)) };
}

function readRotation(raw: Readonly<Record<string, Raw>>): AuditFileSettings['rotation'] {
  const { enabled = defaultRotation.enabled, maxRetainedFiles, maxSizeMb, maxAgeDays, ...others } = raw;
  refuseUnknown(others);
  if (typeof enabled !== 'boolean') return refuse(enabled);
  const count = (value: Raw | undefined, initial: number, least: number): number => {
    if (value === undefined) return initial;
    return typeof value === 'number' && Number.isInteger(value) && value >= least ? value : refuse(value);
  };
  return {
    enabled,
    maxRetainedFiles: count(maxRetainedFiles, defaultRotation.maxRetainedFiles, 0),
    maxSizeMb: count(maxSizeMb, defaultRotation.maxSizeMb, 1),
    maxAgeDays: count(maxAgeDays, defaultRotation.maxAgeDays, 0),
  };
}

function objectOf(raw: Raw): Readonly<Record<string, Raw>> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return refuse(raw);
  return raw as Readonly<Record<string, Raw>>;
}

function refuseUnknown(others: Readonly<Record<string, Raw>>): void {
  const [field] = Object.keys(others);
  if (field !== undefined) throw new SettingError(`expected ${expected}, found the field ${JSON.stringify(field)}`);
}

function refuse(found: Raw): never {
  throw new SettingError(`expected ${expected}, found ${JSON.stringify(found)}`);
}

/** `kmesh` */
export const kmeshSettings = {
  access: {
    audit: {
      skipDefaultTypes: list(
        'KMESH_ACCESS_AUDIT_SKIP_DEFAULT_TYPES',
        ['DataplaneInsight', 'ZoneIngressInsight', 'ZoneEgressInsight', 'ZoneInsight', 'ServiceInsight', 'MeshInsight'],
        'Types that a rule of an AccessAudit is not about unless it names them.',
      ),
      backends: auditBackends(),
    },
  },
};
