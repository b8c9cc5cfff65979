import { everyFormatOn } from './formats.ts';

everyFormatOn('uefi');
