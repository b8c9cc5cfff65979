/** What a request of a test says; a body that is no text or bytes is sent as JSON. */
export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Send no token. */
  readonly anonymous?: boolean;
}

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: any;
}

/** A server that listens on a port of this host, in this process or in one of its own. */
export abstract class ServerUnderTest {
  abstract readonly port: number;
  abstract readonly token: string;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async ask(path: string, ask: Ask = {}): Promise<Answer> {
    const raw = typeof ask.body === 'string' || ask.body instanceof Uint8Array || ask.body === undefined;
    const response = await fetch(`${this.url}${path}`, {
      method: ask.method ?? 'GET',
      headers: {
        ...(ask.anonymous ? {} : { Authorization: `Bearer ${this.token}` }),
        ...(raw ? {} : { 'Content-Type': 'application/json' }),
        ...ask.headers,
      },
      ...(ask.body === undefined ? {} : { body: raw ? (ask.body as string) : JSON.stringify(ask.body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }

  async put(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(path, { method: 'PUT', body, headers });
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(path, { method: 'POST', body, headers });
  }
}
