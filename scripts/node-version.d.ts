/** Why a Node of this version does not start a program; undefined when it does. `required`: as in package.json, `>=major.minor`. */
export function describeOldNode(program: string, version: string, required: string): string | undefined;
/** Ends the process where its Node is too old. */
export function requireNode(program: string): void;
