// Variables of `kumactl apply -v`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderVariables } from '../src/template-variables.ts';

test('a variable is replaced wherever it stands', () => {
  assert.equal(renderVariables('a: {{ name }}\nb: {{name}}', [['name', 'x']], 'f'), 'a: x\nb: x');
});

test('a variable without a value is refused with its line', () => {
  assert.throws(
    () => renderVariables('a: 1\nb: {{ port }}', [['name', 'x']], 'f.yaml'),
    /f\.yaml: no value for port \(line 2\)/,
  );
});

test("a hostname generator's template is not a variable", () => {
  const text = 'template: "{{ .DisplayName }}.{{ label "x" }}.mesh"';
  assert.equal(renderVariables(text, [['name', 'x']], 'f'), text);
});

test('without variables given the text is left as it is', () => {
  assert.equal(renderVariables('a: {{ name }}', [], 'f'), 'a: {{ name }}');
});
