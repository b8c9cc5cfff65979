import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { apiDocument } from './api-document.js';
import { AppModule } from './app.module.js';
import { authenticate, Credentials } from './auth/index.js';
import type { Config } from './config/index.js';
import type { DatabaseTarget } from './db/index.js';
import {
  isUpload,
  JSON_BODY,
  ProblemFilter,
  refuseForbiddenFields,
  refuseOtherContent,
  validationPipe,
} from './http/index.js';
import { QueueConnection } from './queue/index.js';
import { StderrLogger } from './stderr-logger.js';
import { addCsrfToken, pageDocument } from './swagger-page.js';
import { tuneServer } from './tune-server.js';

function setHeaders(request: Request, response: Response, next: NextFunction): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  // Swagger UI brings styles inline, but no scripts.
  const styles = request.path.startsWith('/docs') ? "; style-src 'self' 'unsafe-inline'" : '';
  response.setHeader(
    'Content-Security-Policy',
    `default-src 'self'${styles}; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  );
  next();
}

/** A body that was announced with `Expect: 100-continue` is asked for when its sender has shown a token. */
function askForBody(request: Request, response: Response, next: NextFunction): void {
  refuseOtherContent(request);
  if (request.headers.expect !== undefined && !isUpload(request)) response.writeContinue();
  next();
}

function checkContent(request: Request, _response: Response, next: NextFunction): void {
  refuseForbiddenFields(request.body);
  next();
}

/** Builds the server on a database that is up; it does not listen yet. */
export async function createApp(config: Config, database: DatabaseTarget): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config, database), {
    logger: new StderrLogger({ prefix: 'bty', colors: process.stderr.isTTY === true }),
    abortOnError: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', config.trustedProxies);
  tuneServer(app.getHttpServer());
  app.use(setHeaders, authenticate(app.get(Credentials, { strict: false }), config), askForBody);
  app.useBodyParser('json', JSON_BODY);
  app.use(checkContent);
  app.useGlobalPipes(validationPipe);
  app.useGlobalFilters(new ProblemFilter());
  const document = () => apiDocument(app, config.version);
  SwaggerModule.setup('docs', app, document, { ui: false, raw: ['json'], jsonDocumentUrl: 'openapi.json' });
  SwaggerModule.setup('docs', app, () => pageDocument(document()), {
    raw: false,
    customSiteTitle: 'bty',
    swaggerOptions: { requestInterceptor: addCsrfToken },
  });
  return app;
}

/** Closes connections, sockets and workers, then the queues' connection. */
export async function closeApp(app: NestExpressApplication): Promise<void> {
  const queue = app.get(QueueConnection, { strict: false });
  await app.close();
  await queue.close();
}
