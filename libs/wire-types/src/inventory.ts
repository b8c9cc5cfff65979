// before the first @Type; a bundle leaves index.ts out
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { FIRMWARES, type Firmware, TRANSPORTS, type Transport } from './enums.js';

/** A whole disk that the live env sees. Partitions, loop, RAM and device-mapper nodes are not listed. */
export class InventoryDisk {
  /** Kernel node at the time of the report, for instance `/dev/nvme0n1`. Not an identity: it changes between boots. */
  @IsString()
  @MaxLength(255)
  path: string;

  /** Size in bytes. */
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  size_bytes: number;

  /** Logical sector size in bytes: 512 or 4096. */
  @IsInt()
  @Min(512)
  @Max(65_536)
  logical_sector_bytes: number;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  serial?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  wwn?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  model?: string;

  /** Names below `/dev/disk/by-id/` that point at this disk. */
  @IsArray()
  @ArrayMaxSize(64)
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  by_id: string[];

  @IsIn(TRANSPORTS)
  transport: Transport;

  /** The kernel says that the medium can be taken out, or that the disk hangs on USB. */
  @IsBoolean()
  removable: boolean;

  @IsBoolean()
  read_only: boolean;

  /** Why the disk counts as in use, for instance `/dev/sda1 is mounted on /data`. Empty when it is free. */
  @IsArray()
  @ArrayMaxSize(64)
  @IsString({ each: true })
  @MaxLength(512, { each: true })
  in_use: string[];

  /** Signatures of storage that spans disks, for instance `LVM2_member on /dev/sda3`; absent when there are none. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(64)
  @IsString({ each: true })
  @MaxLength(512, { each: true })
  member_of?: string[];

  /** The kernel's number of the disk since its start (`diskseq`): another one is another disk, or one plugged in again. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  sequence?: number;
}

/** A network interface with a permanent MAC address. */
export class InventoryNic {
  /** Kernel name, for instance `eth0`. */
  @IsString()
  @MaxLength(64)
  name: string;

  /** `aa:bb:cc:dd:ee:ff` */
  @IsString()
  @MaxLength(64)
  mac: string;

  /** Whether a link was seen. */
  @IsBoolean()
  link: boolean;

  /** Speed in Mbit/s, when the driver tells it. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10_000_000)
  speed_mbit?: number;

  @IsOptional()
  @IsString()
  @MaxLength(64)
  driver?: string;
}

/** What an agent sees of its machine. */
export class Inventory {
  @IsArray()
  @ArrayMaxSize(256)
  @ValidateNested({ each: true })
  @Type(() => InventoryDisk)
  disks: InventoryDisk[];

  @IsArray()
  @ArrayMaxSize(64)
  @ValidateNested({ each: true })
  @Type(() => InventoryNic)
  nics: InventoryNic[];

  @IsIn(FIRMWARES)
  firmware: Firmware;

  /** System UUID of the firmware (SMBIOS type 1), lower case; absent when the board has none or a filler. */
  @IsOptional()
  @IsString()
  @MaxLength(36)
  dmi_uuid?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  dmi_vendor?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  dmi_product?: string;

  /** Main memory in bytes, as the kernel counts it. */
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  ram_bytes: number;

  /** Logical processors. */
  @IsInt()
  @Min(1)
  @Max(65_536)
  cpu_count: number;

  /** The machine has so many disks that links, reasons or whole disks were left out here; absent otherwise. */
  @IsOptional()
  @IsBoolean()
  abridged?: boolean;
}
