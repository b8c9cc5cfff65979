import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IMAGE_PREPARE } from '../queue/index.js';
import { ImageEntity } from './image.entity.js';
import { ImageCatalog } from './image-catalog.service.js';
import { ImageFiles } from './image-files.service.js';
import { ImagePreparation } from './image-preparation.service.js';
import { ImagePrepareProcessor } from './image-prepare.processor.js';
import { ImagePrepareQueue } from './image-prepare.queue.js';
import { ImageUpload } from './image-upload.service.js';
import { ImagesController } from './images.controller.js';
import { ImagesRepository } from './images.repository.js';
import { ImagesService } from './images.service.js';
import { PackCollector } from './pack-collector.service.js';
import { PackStore } from './pack-store.service.js';
import { PacksController } from './packs.controller.js';
import { StoreSpace } from './store-space.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([ImageEntity]), BullModule.registerQueue({ name: IMAGE_PREPARE })],
  controllers: [ImagesController, PacksController],
  providers: [
    ImageCatalog,
    ImageFiles,
    ImagePrepareProcessor,
    ImagePrepareQueue,
    ImagePreparation,
    ImageUpload,
    ImagesRepository,
    ImagesService,
    PackCollector,
    PackStore,
    StoreSpace,
  ],
  exports: [ImageCatalog, ImagesRepository],
})
export class ImagesModule {}
