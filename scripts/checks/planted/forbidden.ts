// The module that violation.ts must not import.

export const forbidden = 'planted';
