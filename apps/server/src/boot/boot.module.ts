import { Module } from '@nestjs/common';
import { BootController } from './boot.controller.js';
import { BootFiles } from './boot-files.service.js';

@Module({ controllers: [BootController], providers: [BootFiles], exports: [BootFiles] })
export class BootModule {}
