import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { apiDocument } from './api-document.js';
import { AppModule } from './app.module.js';
import { parseConfig } from './config/index.js';

// In preview mode nothing is constructed: no database is needed to describe the API.
const config = parseConfig({});
const options = { preview: true, abortOnError: false, logger: false } as const;
const app = await NestFactory.create(AppModule.forRoot(config, { url: 'postgres://none/none' }), options);
const text = `${JSON.stringify(apiDocument(app, config.version), null, 2)}\n`;
const [, , file] = process.argv;
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);
