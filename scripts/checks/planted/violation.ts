// Imports what the rule `planted` forbids. The boundaries check fails when its tool does not find this.
import { forbidden } from './forbidden.ts';

export const violation: string = forbidden;
