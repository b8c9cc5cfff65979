import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Accounts1795668721729 implements MigrationInterface {
  name = 'Accounts1795668721729';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "users" (
                "id" uuid NOT NULL DEFAULT gen_random_uuid(),
                "username" text COLLATE "C" NOT NULL,
                "role" text NOT NULL,
                "enabled" boolean NOT NULL,
                "password_hash" text NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "last_login_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "UQ_fe0bb3f6520ee0469504521e710" UNIQUE ("username"),
                CONSTRAINT "PK_a3ffb1c0c8416b9fc6f907b7433" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "user_sessions" (
                "id" uuid NOT NULL,
                "user_id" uuid NOT NULL,
                "hash" bytea NOT NULL,
                "opened_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "PK_e93e031a5fed190d4789b6bfd83" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_e9658e959c490b0a634dfc5478" ON "user_sessions" ("user_id")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "IDX_d02e02a9506b6bc7b14ab49932" ON "user_sessions" ("hash")
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ADD "role" text NOT NULL DEFAULT 'admin'
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" ALTER COLUMN "role" DROP DEFAULT
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ADD "pool" text
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ADD "created_by" text NOT NULL DEFAULT 'server'
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" ALTER COLUMN "created_by" DROP DEFAULT
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ADD "expires_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ADD "last_used_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ADD "last_used_ip" text
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ALTER COLUMN "name" TYPE text COLLATE "C"
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "api_tokens_one_valid" ON "api_tokens" ("name")
            WHERE revoked_at IS NULL
        `);
    await queryRunner.query(`
            ALTER TABLE "user_sessions"
            ADD CONSTRAINT "FK_e9658e959c490b0a634dfc54783" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "user_sessions" DROP CONSTRAINT "FK_e9658e959c490b0a634dfc54783"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."api_tokens_one_valid"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens"
            ALTER COLUMN "name" TYPE text COLLATE pg_catalog."default"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" DROP COLUMN "last_used_ip"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" DROP COLUMN "last_used_at"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" DROP COLUMN "expires_at"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" DROP COLUMN "created_by"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" DROP COLUMN "pool"
        `);
    await queryRunner.query(`
            ALTER TABLE "api_tokens" DROP COLUMN "role"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_d02e02a9506b6bc7b14ab49932"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_e9658e959c490b0a634dfc5478"
        `);
    await queryRunner.query(`
            DROP TABLE "user_sessions"
        `);
    await queryRunner.query(`
            DROP TABLE "users"
        `);
  }
}
