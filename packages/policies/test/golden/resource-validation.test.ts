// Specs of policies that the peer's rules were recorded on. Only the rules: what the schemas refuse was not part of the recording.
import { policyResourceTypes } from '../../src/index.ts';
import { testGoldenSet } from './golden-set.ts';
import { types } from './seed.ts';

const policies = new Set(policyResourceTypes.map((type) => type.name));

testGoldenSet({
  set: 'resource-validation',
  reached: 4,
  only: ({ kind }) => policies.has(String(kind)),
  run: ({ kind, input }, files) => {
    const [spec = {}] = files.documents(input);
    const violations = types
      .byName(String(kind))
      ?.validate?.(spec as never, { mesh: 'default', name: 'some', labels: {} });
    return violations === undefined || violations.length === 0 ? null : { violations };
  },
});
