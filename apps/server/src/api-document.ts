import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** No number of this API has a fraction, which the schemas that are made from TypeScript's types cannot know. */
function integers(document: OpenAPIObject): OpenAPIObject {
  return JSON.parse(JSON.stringify(document).replaceAll('"type":"number"', '"type":"integer"')) as OpenAPIObject;
}

/** Describes the HTTP API. */
export function apiDocument(app: INestApplication, version: string): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setTitle('bty')
    .setDescription(
      'Makes a machine’s disk equal to an image. JSON is snake_case, times are ISO 8601, sizes are bytes; errors are ' +
        '`application/problem+json`. Operators’ routes need `Authorization: Bearer <token>`; the first token is in ' +
        '`$BTY_STATE_DIR/admin-token`.',
    )
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API token, or the token of a login.' })
    .addCookieAuth(
      'bty_session',
      { type: 'apiKey', description: 'Of a login; changes need `X-CSRF-Token` as well.' },
      'cookie',
    )
    .build();
  return integers(SwaggerModule.createDocument(app, settings));
}
