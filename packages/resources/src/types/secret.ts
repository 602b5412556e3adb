// Secret and GlobalSecret: bytes that only the control plane reads, in base64.
import { type Static, Type } from 'typebox';
import { defineType } from '../define-type.ts';
import { closed } from '../schema/shapes.ts';

const secretSpec = closed({
  data: Type.Optional(Type.String({ format: 'byte', description: 'The bytes, in base64.' })),
});
/** The bytes of a secret, in base64. */
export type SecretSpec = Static<typeof secretSpec>;

/** Resource type of secrets of one mesh. */
export const secret = defineType({ name: 'Secret', specForm: 'inline', spec: secretSpec });

/** Resource type of secrets of the control plane. */
export const globalSecret = defineType({ name: 'GlobalSecret', scope: 'Global', specForm: 'inline', spec: secretSpec });
