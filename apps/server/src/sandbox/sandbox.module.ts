import { Module } from '@nestjs/common';
import { Sandbox } from './sandbox.service.js';

@Module({ providers: [Sandbox], exports: [Sandbox] })
export class SandboxModule {}
