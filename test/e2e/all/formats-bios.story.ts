import { everyFormatOn } from './formats.ts';

everyFormatOn('bios');
