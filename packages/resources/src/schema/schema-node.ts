// The part of JSON Schema that resource types use, as the walkers read it.

/** One schema, with the keywords we know. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly default?: unknown;
  /** The field is a protobuf wrapper: its zero value says something and is kept. */
  readonly 'x-keep-default'?: boolean;
  /** A whole number, or text, such as a decimal or a name. */
  readonly 'x-kubernetes-int-or-string'?: boolean;
}
