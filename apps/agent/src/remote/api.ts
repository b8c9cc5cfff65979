import { type ApiError, type BtyApi, createApi, dataOf } from '@bty/api-client';
import { BtyError, ERROR_CODE_NAMES } from '@bty/wire-types';

/** The API of a server. */
export function apiOf({ server, token }: { server: string; token?: string | undefined }): BtyApi {
  return createApi({ url: server, token });
}

function failureOf(thrown: unknown, server: string): unknown {
  if (!(thrown instanceof Error)) return thrown;
  if (thrown.name === 'ApiError') {
    const { status, problem } = thrown as ApiError;
    const code = ERROR_CODE_NAMES.find((known) => known === problem?.code) ?? 'INTERNAL';
    return new BtyError(code, thrown.message, { cause: thrown, details: { ...problem?.details, status } });
  }
  if (thrown instanceof TypeError && thrown.message === 'fetch failed') {
    const why = (thrown.cause as Error | undefined)?.message ?? thrown.message;
    return new BtyError('UNAVAILABLE', `${server} does not answer: ${why}`, { cause: thrown });
  }
  return thrown;
}

/** What a call of the API has brought. Throws a BtyError that says what the server said, `UNAVAILABLE` when it said nothing. */
export async function answered<T>(
  server: string,
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  try {
    return dataOf(await call);
  } catch (thrown) {
    throw failureOf(thrown, server);
  }
}
