// The part of Go's text/template that host name, identity and virtual outbound templates use: fields, `label "name"`, pipelines of them.

/** What a template may read. `label` is asked for `{{ label "name" }}`; it returns undefined for a label that is not there. */
export interface GoTemplateData {
  readonly fields: Readonly<Record<string, string>>;
  readonly label?: (name: string) => string | undefined;
}

/** A template that could be read: text, and actions between `{{` and `}}`. */
export type GoTemplate = readonly GoTemplatePart[];
type GoTemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'label'; readonly name: string };

/** Parses a template; a problem comes back as text in Go's own wording. */
export function parseGoTemplate(text: string): { readonly template: GoTemplate } | { readonly problem: string } {
  const parts: GoTemplatePart[] = [];
  let position = 0;
  while (position < text.length) {
    const open = text.indexOf('{{', position);
    const plain = open < 0 ? text.slice(position) : text.slice(position, open);
    if (plain !== '') parts.push({ kind: 'text', text: plain });
    if (open < 0) break;
    const close = text.indexOf('}}', open);
    if (close < 0) return { problem: 'template: :1: unclosed action' };
    const part = parseAction(text.slice(open + 2, close).trim());
    if (typeof part === 'string') return { problem: `template: :1: ${part}` };
    parts.push(part);
    position = close + 2;
  }
  return { template: parts };
}

/** What is wrong with a template; undefined when it can be read. */
export function goTemplateProblem(text: string): string | undefined {
  const parsed = parseGoTemplate(text);
  return 'problem' in parsed ? parsed.problem : undefined;
}

/** The text of a template for some data; undefined when it asks for a label that is not there. Unknown fields print `<no value>`. */
export function renderGoTemplate(template: GoTemplate, data: GoTemplateData): string | undefined {
  let rendered = '';
  for (const part of template) {
    if (part.kind === 'text') rendered += part.text;
    else if (part.kind === 'field')
      rendered += Object.hasOwn(data.fields, part.name) ? data.fields[part.name] : '<no value>';
    else {
      const value = data.label?.(part.name);
      if (value === undefined) return undefined;
      rendered += value;
    }
  }
  return rendered;
}

function parseAction(action: string): GoTemplatePart | string {
  if (action === '') return 'missing value for command';
  const stages = action.split('|').map((stage) => stage.trim());
  const [command = ''] = stages;
  const lastStage = stages[1];
  if (lastStage !== undefined) {
    return /^[a-z]\w*/.test(lastStage)
      ? `function ${JSON.stringify(lastStage.split(/\s/)[0])} not defined`
      : 'non executable command in pipeline stage 2';
  }
  const field = /^\.([A-Za-z_]\w*)$/.exec(command);
  if (field?.[1] !== undefined) return { kind: 'field', name: field[1] };
  const label = /^label\s+(?:"([^"]*)"|`([^`]*)`)$/.exec(command);
  if (label !== null) return { kind: 'label', name: label[1] ?? label[2] ?? '' };
  const word = /^[A-Za-z_]\w*/.exec(command)?.[0];
  if (word === 'label') return 'wrong number of args for label: want 1 got 0';
  return word === undefined
    ? `unexpected ${JSON.stringify(command)} in command`
    : `function ${JSON.stringify(word)} not defined`;
}
