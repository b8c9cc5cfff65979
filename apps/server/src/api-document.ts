import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { completeDocument } from './complete-document.js';

/**
 * No number of this API has a fraction but shares of a whole (`…_share`), which the schemas that are made from TypeScript's
 * types cannot know.
 */
function integers(document: OpenAPIObject): OpenAPIObject {
  const whole = (name: string, value: unknown): unknown => {
    const isNumber = typeof value === 'object' && (value as { type?: unknown } | null)?.type === 'number';
    return isNumber && !name.endsWith('_share') ? { ...(value as object), type: 'integer' } : value;
  };
  return JSON.parse(JSON.stringify(document), whole) as OpenAPIObject;
}

/** Describes the HTTP API. */
export function apiDocument(app: INestApplication, version: string): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setTitle('bty')
    .setDescription(
      'Makes a machine’s disk equal to an image. JSON is snake_case, times are ISO 8601, sizes are bytes; errors are ' +
        '`application/problem+json`. Lists come in pages; the `Link` header names the next. What is not open to anyone needs ' +
        '`Authorization: Bearer <token>`: an API token, or that of a login (`POST /auth/login`). The first token is in ' +
        '`$BTY_STATE_DIR/admin-token`.',
    )
    .addTag('machines', 'Machine records: what their operators want of them, and what was seen of them.')
    .addTag('images', 'What goes onto disks.')
    .addTag('flash jobs', 'Orders to make a machine’s disk equal to an image, or to say how it differs.')
    .addTag('workflows', 'cijoe workflows, by name and version.')
    .addTag('runs', 'Executions of workflows against machines.')
    .addTag('baselines', 'What machines looked like when they were good, and what differs since.')
    .addTag('events', 'Who changed what, from where.')
    .addTag('webhooks', 'Events that are sent to other servers.')
    .addTag('accounts', 'Logins, users and API tokens.')
    .addTag('pxe', 'What booting machines ask.')
    .addTag('boot', 'The files of the live env.')
    .addTag('health', 'Whether the server is up.')
    .addTag('server', 'How the server is doing.')
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API token, or the token of a login.' })
    .addCookieAuth(
      'bty_session',
      { type: 'apiKey', description: 'Of a login, sent by the browser itself; changes need `X-CSRF-Token` as well.' },
      'cookie',
    )
    .build();
  return completeDocument(integers(SwaggerModule.createDocument(app, settings)));
}
