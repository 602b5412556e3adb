// What a control plane answered when it refused: in its words, field by field, with what to do where that is not plain.
import { MeshError, type MeshErrorCode, type Violation } from '@ursa/resources';
import { field, listOf } from './json-fields.ts';

const codesByStatus: Readonly<Record<number, MeshErrorCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'unsupported',
  409: 'conflict',
  412: 'precondition-failed',
  413: 'too-large',
  503: 'unavailable',
};

const advice: Readonly<Record<number, string>> = {
  401: 'give a user token: kumactl config control-planes add --overwrite --auth-type tokens --auth-conf token=…',
  412: 'somebody else changed it at the same time: read it again and repeat',
  413: 'split it, or raise the limit of the control plane',
  503: 'the control plane is there, but not ready: try again in a moment',
};

const longestText = 500;

/**
 * The error for an answer that is not a success. `request` is shown when the answer has no words of its own, `retryAfter` (seconds) when the
 * same may be asked again.
 */
export function serverError(request: string, status: number, text: string, retryAfter?: number): MeshError {
  const code = codesByStatus[status] ?? (status < 500 ? 'invalid' : 'internal');
  const { title, detail, violations } = wordsOf(text);
  const first = title === '' ? `${request} was answered with status ${status}` : title;
  // Who says why something is unavailable also says what to do.
  const isExplained = status === 503 && detail !== '';
  const wait = retryAfter === undefined ? '' : `; try again in ${retryAfter} s`;
  const hint = isExplained ? wait : advice[status] === undefined ? '' : `; ${advice[status]}`;
  const second = detail === '' || detail === title ? '' : ` (${detail})`;
  // Which mesh and which name were asked for is what a user has to look at.
  const asked = status === 404 && title !== '' ? `: ${request}` : '';
  return new MeshError(code, `${first}${second}${asked}${hint}`, { violations });
}

function wordsOf(text: string): { title: string; detail: string; violations: readonly Violation[] } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not a control plane's own error: a proxy in between answers with a page.
    return { title: '', detail: text.trim().startsWith('<') ? '' : text.trim().slice(0, longestText), violations: [] };
  }
  const violations = listOf(body, 'invalid_parameters').map((parameter) => ({
    field: String(field(parameter, 'field') ?? ''),
    message: String(field(parameter, 'reason') ?? ''),
  }));
  return { title: String(field(body, 'title') ?? ''), detail: String(field(body, 'detail') ?? ''), violations };
}
