"The fields of a recipe, by what they decide; their defaults are the baseline, in which each part is off that can be."
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Data:
    "Which images, how they become squares, and who is in which split."
    size:int = 224                                       # images are size x size pixels
    aspect:Literal['pad', 'inner', 'crop', 'stretch'] = 'pad'  # how a radiograph becomes square; inner: padded, without its edge
    grey:Literal['windowed', 'standardised', 'equalised', 'clahe'] = 'windowed'  # as read; to one mean and sd; spread evenly; by parts
    any_view:bool = False                                # also images that say they are not frontal chest radiographs
    oversample:Literal['none', 'class', 'view'] = 'none' # class: the rarer as often as the other; view: each view and class alike
    shuffle_labels:bool = False                          # train on labels dealt out at random: what is learnt then is not the disease
    valid:float = 0.15                                   # share of the patients to choose epoch and threshold on
    test:float = 0.15                                    # share of the patients to measure on, once
    fraction:float = 1.                                  # share of the training patients to train on, drawn by seed; 1: all
    folds:int = 0                                        # 0: one split; 2 or more: cross-validation by patient, and an ensemble
    split_seed:int = 0                                   # another one draws other patients
    held_out:Literal['none', 'dark', 'bright', 'flat', 'blurred', 'sharp', 'framed', 'cluster'] = 'none'  # test: patients of such alone


@dataclass(frozen=True)
class Network:
    "What learns."
    arch:str = 'resnet18'                                # the network, for one channel and two classes; or any of timm's
    output_stride:int = 32                               # pixels a place of the last maps; 16: maps twice as fine, at a higher cost
    antialias:bool = False                               # blur before each downsampling (Zhang 2019)
    stochastic_depth:float = 0.                          # probability that training leaves out the last block, less for those before it
    weights:str = ''                                     # to start from: a run's folder, a state dict's file or imagenet; '': random
    prior_bias:bool = False                              # the head starts at the prevalence of training (Lin et al. 2017)


@dataclass(frozen=True)
class Loss:
    "What training descends."
    loss:Literal['cross_entropy', 'focal'] = 'cross_entropy'  # focal: less weight to what is right already (Lin et al. 2017)
    focal_gamma:float = 2.                               # of the focal loss; 0 would be cross-entropy
    class_weights:Literal['none', 'balanced', 'effective'] = 'none'  # from training's counts; effective: Cui et al. 2019
    effective_beta:float = 0.999                         # of effective weights: 0 weighs none, towards 1 they become balanced
    label_smoothing:float = 0.                           # share of each label that is spread over both classes
    box_guidance:float = 0.                              # weight of the loss that asks Grad-CAM's map to lie in the boxes
    guided_by:Literal['boxes', 'labels'] = 'boxes'       # readers' boxes; labels: where images differ from healthy ones instead


@dataclass(frozen=True)
class Optimisation:
    "How it is descended."
    epochs:int = 20                                      # passes over train, each without its incomplete last batch
    batch_size:int = 32                                  # images a step
    optimizer:Literal['adam', 'adamw'] = 'adam'          # adamw: weight decay apart from the gradient
    lr:float = 1e-4                                      # learning rate, the highest of the schedule
    weight_decay:float = 0.                              # L2 penalty of adam, decay of adamw
    schedule:Literal['cosine', 'one_cycle'] = 'cosine'   # from lr down to 0; or up to it first, as fastai's fit_one_cycle
    warmup:float = 0.                                    # epochs in which cosine's rate first grows to lr
    freeze_epochs:int = 0                                # epochs before the others, in which the head alone learns
    lr_mult:float = 1.                                   # the rate of all but the head is lr divided by this
    patience:int = 0                                     # stop after so many epochs without a better AUROC on valid; 0: never
    size_start:int = 0                                   # training starts at this size and grows to size; 0: it does not
    seed:int = 0                                         # of weights, order, augmentation, fraction; repeats exactly with as many threads
    precision:Literal['auto', 'float32', 'bfloat16'] = 'auto'  # auto: bfloat16 where native, or faster in a trial
    compiled:bool = False                                # train through torch.compile; meant for a GPU


@dataclass(frozen=True)
class Augmentation:
    "How training images are changed at random, each time anew."
    flip:float = 0.                                      # probability of a left-right flip
    rotate:float = 0.                                    # up to this many degrees either way
    crop:float = 1.                                      # a random square of at least this share of the side; 1: the whole
    resized_crop:float = 1.                              # a random part, 3:4 to 4:3, of at least this share of the area; 1: the whole
    brightness:float = 0.                                # mid-grey becomes up to half of this lighter or darker, 0 to 1
    contrast:float = 0.                                  # up to this much more or less, 0 to 1
    gamma:float = 0.                                     # grey levels to a power from 1/(1 + gamma) to 1 + gamma
    erase:float = 0.                                     # probability that a rectangle becomes its image's mean (Zhong et al. 2020)
    mixup:float = 0.                                     # alpha of mixup (Zhang et al. 2018); 0: none
    cutmix:float = 0.                                    # alpha of CutMix (Yun et al. 2019); 0: none


@dataclass(frozen=True)
class Evaluation:
    "What is measured besides."
    tta:int = 4                                          # augmented copies of each valid and test image, to see how far its call sways
    gradcam:bool = False                                 # maps while training, and of all of valid and test, scored and checked
    gradcam_method:Literal['gradcam', 'gradcam++', 'hirescam', 'layercam'] = 'gradcam'  # which class activation map
    gradcam_mirror:bool = False                          # the mean with the map of the mirrored image
    gradcam_layers:str = ''                              # layers to fuse, such as layer3,layer4; the last with maps unless given


GROUPS = Data, Network, Loss, Optimisation, Augmentation, Evaluation
RETIRED = dict(noise=0., blur=0., ema=0.)  # fields of before, which helped nowhere (experiments/README.md), and their values where off


def _share(x): return 0 < x < 1
def _fraction(x): return 0 <= x <= 1
def _below(top): return lambda x: 0 <= x < top
def _alpha(x): return x == 0 or .01 <= x <= 10  # below, torch's Beta draws 1/2 in place of shares near 0 and 1

RANGES = [('size', lambda x: 32 <= x <= 2048, 'pixels from 32 to 2048'),
          ('valid', _share, 'a share above 0 and below 1'),
          ('test', _share, 'a share above 0 and below 1'),
          ('fraction', lambda x: 0 < x <= 1, 'a share above 0, up to 1'),
          ('folds', lambda x: x == 0 or 2 <= x <= 20, '0 or a whole number from 2 to 20'),
          ('output_stride', lambda x: x in (16, 32), '16 or 32'),
          ('stochastic_depth', _below(1), 'a probability from 0, below 1'),
          ('focal_gamma', lambda x: 0 <= x <= 10, 'a number from 0 to 10'),
          ('effective_beta', _below(1), 'a number from 0, below 1'),
          ('label_smoothing', _below(1), 'a share from 0, below 1'),
          ('box_guidance', _below(100), 'a number from 0, below 100'),
          ('epochs', lambda x: x >= 1, 'a whole number of at least 1'),
          ('batch_size', lambda x: 2 <= x <= 4096, 'a whole number from 2 (batch normalisation needs two) to 4,096'),
          ('lr', lambda x: 0 < x < 10, 'a number above 0 and below 10'),
          ('weight_decay', _below(10), 'a number from 0, below 10'),
          ('warmup', lambda x: 0 <= x < 1000, 'epochs, from 0 to fewer than there are'),
          ('freeze_epochs', lambda x: 0 <= x <= 1000, 'a whole number from 0 to 1,000'),
          ('lr_mult', lambda x: 1 <= x <= 1e4, 'a number from 1 to 10,000'),
          ('patience', lambda x: 0 <= x <= 1000, 'a whole number from 0 to 1,000'),
          ('size_start', lambda x: x == 0 or 32 <= x <= 2048, '0, or pixels from 32 to 2048'),
          ('seed', lambda x: 0 <= x < 2**31, 'a whole number from 0, below 2**31'),
          ('flip', _fraction, 'a probability from 0 to 1'),
          ('rotate', lambda x: 0 <= x <= 180, 'degrees from 0 to 180'),
          ('crop', lambda x: .1 <= x <= 1, 'a share from 0.1 to 1'),
          ('resized_crop', lambda x: .05 <= x <= 1, 'a share from 0.05 to 1'),
          ('brightness', _below(1), 'a number from 0, below 1'),
          ('contrast', _below(1), 'a number from 0, below 1'),
          ('gamma', lambda x: 0 <= x <= 4, 'a number from 0 to 4'),
          ('erase', _fraction, 'a probability from 0 to 1'),
          ('mixup', _alpha, '0, or a number from 0.01 to 10'),
          ('cutmix', _alpha, '0, or a number from 0.01 to 10'),
          ('tta', lambda x: 0 <= x <= 64, 'a whole number from 0 to 64')]

# what cannot go together: when, and the line for it
CONTRADICTIONS = [
    (lambda e: e.freeze_epochs and not e.weights,
     'freeze_epochs lets the head learn on what the network knows already, and it begins at random; give weights, or set it to 0'),
    (lambda e: e.folds and e.held_out != 'none',
     'folds test each patient once, held_out {e.held_out} one kind of patients; set folds to 0, or held_out to none'),
    (lambda e: e.valid + e.test >= 1, 'valid {e.valid} + test {e.test} leave nothing to train on; make one of them smaller'),
    (lambda e: e.oversample != 'none' and e.class_weights != 'none',
     'oversample {e.oversample} makes the classes equal already, class_weights would count that twice; set one of them to none'),
    (lambda e: e.mixup and e.cutmix, 'mixup and cutmix both mix the images of a batch; set one of them to 0'),
    (lambda e: (e.mixup or e.cutmix) and e.box_guidance,
     'box_guidance needs the boxes of one image, mixup and cutmix mix several; set box_guidance to 0, or mixup and cutmix'),
    (lambda e: (e.mixup or e.cutmix) and e.loss == 'focal',
     'the focal loss asks how right the one label of an image is, mixup and cutmix give it two; take loss cross_entropy'),
    (lambda e: e.loss == 'focal' and e.label_smoothing,
     'the focal loss asks how right the one label of an image is, label_smoothing gives it two; take loss cross_entropy'),
    (lambda e: e.guided_by == 'labels' and not e.box_guidance,
     'guided_by labels says where heatmaps are taught to look, and box_guidance 0 teaches them nothing; set box_guidance to 1'),
    (lambda e: e.size_start > e.size, 'size_start {e.size_start} is above size {e.size}; training grows, so start at or below it'),
    (lambda e: e.crop < 1 and e.resized_crop < 1, 'crop and resized_crop both cut a part out; leave one of them at 1'),
    (lambda e: e.warmup and e.schedule == 'one_cycle', 'one_cycle warms up by itself; set warmup to 0, or take schedule cosine'),
    (lambda e: e.warmup >= e.epochs, 'warmup of {e.warmup} epochs leaves none of {e.epochs}; make it smaller'),
    (lambda e: e.compiled and e.size_start, 'compiled makes a training step for one size, size_start changes it; leave out one of them'),
]
