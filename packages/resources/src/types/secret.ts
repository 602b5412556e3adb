// Secret and GlobalSecret: bytes that only the control plane reads, in base64.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed } from '../schema/shapes.ts';

export const secretSpec = closed({
  data: Type.Optional(Type.String({ format: 'byte', description: 'The bytes, in base64.' })),
});
export type SecretSpec = Static<typeof secretSpec>;

export const secret = defineType({ name: 'Secret', specForm: 'inline', spec: secretSpec });

export const globalSecret = defineType({ name: 'GlobalSecret', scope: 'Global', specForm: 'inline', spec: secretSpec });
