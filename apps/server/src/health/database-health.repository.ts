import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

/** Whether Postgres answers. */
@Injectable()
export class DatabaseHealthRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  async check(): Promise<void> {
    await this.source.query('SELECT 1');
  }
}
