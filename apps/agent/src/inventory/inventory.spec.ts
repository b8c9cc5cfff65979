import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MachineTree } from '../target/machine-tree.fake.js';
import { dmiText, dmiUuid } from './firmware-tables.js';
import { gatherInventory } from './gather-inventory.js';

describe('the firmware’s tables', () => {
  it.each([
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    '03000200-0400-0500-0006-000700080009',
    '00020003-0004-0005-0006-000700080009',
    'Not Settable',
    '',
    undefined,
  ])('give no UUID when they hold %j', (text) => {
    expect(dmiUuid(text)).toBeUndefined();
  });

  it('give a UUID in lower case', () => {
    expect(dmiUuid(' 4C4C4544-0042-3510-8051-B4C04F4E4D32\n')).toBe('4c4c4544-0042-3510-8051-b4c04f4e4d32');
  });

  it.each(['To Be Filled By O.E.M.', 'Default string', 'System Product Name', '   ', '0000', undefined])(
    'give no name when they hold %j',
    (text) => expect(dmiText(text)).toBeUndefined(),
  );
});

describe('the inventory', () => {
  let machine: MachineTree;
  beforeEach(async () => {
    machine = await MachineTree.make();
  });
  afterEach(() => machine.remove());

  it('tells the machine with its network cards, links that are down included', async () => {
    await machine.files({
      'sys/firmware/efi/fw_platform_size': '64',
      'sys/class/dmi/id/product_uuid': '4C4C4544-0042-3510-8051-B4C04F4E4D32\n',
      'sys/class/dmi/id/sys_vendor': 'Dell Inc.\n',
      'sys/class/dmi/id/product_name': 'Default string\n',
      'sys/class/net/eth0/device/vendor': '0x8086',
      'sys/class/net/eth0/address': '52:54:00:AB:CD:01\n',
      'sys/class/net/eth0/addr_assign_type': '0\n',
      'sys/class/net/eth0/carrier': '1\n',
      'sys/class/net/eth0/speed': '2500\n',
      'sys/class/net/eth1/device/vendor': '0x8086',
      'sys/class/net/eth1/address': '52:54:00:ab:cd:02\n',
      'sys/class/net/eth1/addr_assign_type': '0\n',
      'sys/class/net/eth1/speed': '-1\n',
      'sys/class/net/lo/address': '00:00:00:00:00:00\n',
      'sys/class/net/ib0/device/vendor': '0x15b3',
      'sys/class/net/ib0/address': '80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:31:78:f2\n',
      'sys/class/net/ib0/addr_assign_type': '0\n',
    });
    await machine.link('sys/class/net/eth0/device/driver', 'sys/bus/pci/drivers/igc');
    expect(await gatherInventory(machine.roots, [])).toEqual({
      disks: [],
      nics: [
        { name: 'eth0', mac: '52:54:00:ab:cd:01', link: true, speed_mbit: 2500, driver: 'igc' },
        { name: 'eth1', mac: '52:54:00:ab:cd:02', link: false },
      ],
      firmware: 'uefi',
      dmi_uuid: '4c4c4544-0042-3510-8051-b4c04f4e4d32',
      dmi_vendor: 'Dell Inc.',
      ram_bytes: 1024 * 1024,
      cpu_count: expect.any(Number),
    });
  });

  it('leaves out what the machine does not tell', async () => {
    const inventory = await gatherInventory(machine.roots, []);
    expect(Object.keys(inventory).sort()).toEqual(['cpu_count', 'disks', 'firmware', 'nics', 'ram_bytes']);
    expect(inventory.firmware).toBe('bios');
  });
});
