import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options.js';
import type { DatabaseTarget } from './database-target.js';
import { migrateUnderLock } from './migrate.js';

/** Connects to Postgres and brings its schema up to date before anything else starts. */
@Module({})
export class DatabaseModule {
  static forRoot(target: DatabaseTarget): DynamicModule {
    const postgres = TypeOrmModule.forRootAsync({
      useFactory: () => ({
        ...dataSourceOptions(target),
        autoLoadEntities: true,
        retryAttempts: 10,
        retryDelay: 1_000,
      }),
      dataSourceFactory: async (options) => {
        if (options === undefined) throw new TypeError('TypeORM gave no options');
        await migrateUnderLock(target);
        return new DataSource(options).initialize();
      },
    });
    return { module: DatabaseModule, imports: [postgres] };
  }
}
