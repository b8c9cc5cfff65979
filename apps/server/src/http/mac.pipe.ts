import { BtyError, type MacAddress, parseMacAddress } from '@bty/wire-types';
import { Injectable, type PipeTransform } from '@nestjs/common';

/** Reads a MAC address out of a path. */
@Injectable()
export class MacPipe implements PipeTransform<string, MacAddress> {
  transform(text: string): MacAddress {
    const mac = parseMacAddress(text);
    if (mac === undefined) {
      throw new BtyError(
        'INVALID_MAC',
        `${JSON.stringify(text.slice(0, 64))} is not the MAC address of a network card`,
      );
    }
    return mac;
  }
}
