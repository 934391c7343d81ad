import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';

/** Dockerfile and target of each image, in the folder that the build makes. */
const IMAGES = {
  finetune: { file: 'finetune/Dockerfile', target: 'finetune' },
  score: { file: 'score/Dockerfile', target: 'score' },
  cpu: { file: 'score/Dockerfile', target: 'cpu' },
} as const;

export type ImageName = keyof typeof IMAGES;

export interface ImagesProps {
  /** The Docker context. */
  readonly folder: string;
}

/** The images of the jobs: built and pushed when the stack is deployed, never when it is synthesised. */
export class Images extends Construct {
  private readonly images: Readonly<Record<ImageName, ContainerImage>>;

  constructor(scope: Construct, id: string, props: ImagesProps) {
    super(scope, id);
    const image = (name: ImageName) =>
      ContainerImage.fromDockerImageAsset(
        new DockerImageAsset(this, name, {
          directory: props.folder,
          ...IMAGES[name],
          // Whatever machine deploys.
          platform: Platform.LINUX_AMD64,
        }),
      );
    this.images = { finetune: image('finetune'), score: image('score'), cpu: image('cpu') };
  }

  of(name: ImageName): ContainerImage {
    return this.images[name];
  }
}
