export { ImageEntity } from './image.entity.js';
export { ImageCatalog } from './image-catalog.service.js';
export { ImageUse } from './image-use.port.js';
export { ImagesModule } from './images.module.js';
export { ImagesRepository } from './images.repository.js';
