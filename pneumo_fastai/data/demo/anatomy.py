"""The anatomy of the synthetic radiographs: a map of attenuation.

A film is a body, less the air in the lungs, plus bones; whatever fills a lung takes its air away.
Lengths are in half film widths from the film's centre, y downwards; the patient's right is on the left, as on a light box.
"""
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CLASSES = 'Normal', 'No Lung Opacity / Not Normal', 'Lung Opacity'
GRID, SPAN = 512, 1.2  # pixels of the grid, which reaches from -SPAN to SPAN
X = np.linspace(-SPAN, SPAN, GRID, dtype=np.float32)[None]
Y = X.T

def _step(distance, edge): return np.clip(distance/edge + .5, 0, 1)

def _ellipse(x, y, rx, ry): return 1 - ((X - x)/rx)**2 - ((Y - y)/ry)**2

def _noise(rng, cells):
    "Smooth noise in about 0..1, `cells` bumps across."
    return np.asarray(Image.fromarray(rng.random((cells, cells), dtype=np.float32)).resize((GRID, GRID), Image.Resampling.BICUBIC))

def _profile(at, values):
    "A smooth column of values, one a row of the grid, given at some heights."
    rows = np.pad(np.interp(Y[:, 0], at, values), 15, mode='edge')
    return np.convolve(rows, np.hanning(33)[1:-1]/16, 'valid').astype(np.float32)[:, None]

def _pen():
    "An empty layer to draw lines on, its pen, and the function that turns points into pixels."
    layer = Image.new('L', (GRID, GRID))
    return layer, ImageDraw.Draw(layer), lambda points: [((x + SPAN)*GRID/2/SPAN, (y + SPAN)*GRID/2/SPAN) for x, y in points]

def _blurred(layer, radius): return np.asarray(layer.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)/255

def draw_patient(rng):
    "The anatomy that all films of one patient share."
    return SimpleNamespace(
        sex=str(rng.choice(['F', 'M'])), age=int(np.clip(rng.normal(48, 17), 16, 94)), fat=rng.uniform(0, 1), breast=rng.uniform(.3, 1),
        neck=rng.uniform(.2, .28), width=rng.normal(.72, .03), apex=rng.normal(-.78, .03), dome=rng.normal(.47, .04),
        heart=rng.normal(.31, .02), aorta=rng.uniform(.03, .08), slope=rng.uniform(.2, .38), gap=rng.uniform(.135, .16))

def pose(rng, patient, view, label):
    "One film's geometry. In bed (AP) a patient breathes in less, turns more, and the heart is magnified."
    ap, p = view == 'AP', SimpleNamespace(**vars(patient))
    p.ap, p.side, p.shift = ap, rng.choice([-1, 1]), rng.normal(0, .04 if ap else .012)
    found = rng.choice(['heart', 'effusion', 'mass', 'band', 'device'], rng.integers(1, 3), replace=False)
    p.findings = set(found) if CLASSES[label].startswith('No Lung') else set()
    p.heart *= rng.normal(1.13 if ap else 1, .03)*(rng.uniform(1.15, 1.35) if 'heart' in p.findings else 1)
    p.middle = rng.normal(.15 if ap else .115, .012)
    high = p.dome - rng.normal(.1 if ap else 0, .035)
    p.domes = high, high + rng.normal(.06, .02)
    p.scapula, p.clavicle = rng.normal(.52 if ap else .74, .04), rng.normal(-.6 if ap else -.5, .03)
    p.contrast = rng.normal(.95 if ap else 1.08, .1) - .12*p.fat
    return p

def _body(p):
    broad, neck = .16*p.fat - .06, p.neck + .05*p.fat
    half = _profile([-1.2, -1, -.86, -.72, -.5, -.2, .2, .7], [neck, neck, *(np.array([.6, .98, 1.06, .96, .88, .87]) + broad)])
    breasts = .12*p.breast*sum(_step(_ellipse(s*.45, .42 + .12*p.breast, .34, .36), .7) for s in (-1, 1)) if p.sex == 'F' else 0
    return np.clip(1.02 - (X/half)**2, 0, 1)**.4 + breasts

def _lungs(p):
    "Air along each ray in 0..1, before the heart is put in, and the rib cage's half width in each row."
    up = np.clip((.3 - Y)/(.3 - p.apex), 0, 1)
    cage, inner = .3 + (p.width - .3)*np.sqrt(1 - up**2.6) + .03*np.clip(Y, 0, 1), .3 - .27*np.sqrt(1 - up**7)
    across = np.clip((np.abs(X) - inner)/(cage - inner + 1e-6), 0, 1)
    dome = np.where(X < 0, *p.domes) + .55*(np.abs(X) - .3)**2 + 1.2*np.clip(np.abs(X) - .5, 0, 1)**2
    return (4*across*(1 - across))**.38*_step(Y - p.apex, .04)*_step(dome - Y, .025), cage

def _heart(p):
    "The silhouette of heart and great vessels in 0..1: borders left and right, from the neck down to the diaphragm."
    m, h, low = p.middle, p.heart, np.mean(p.domes)
    knob, bay, apex = m + p.aorta, m + .4*p.aorta, 1.48*h
    left = _profile([-.6, -.42, -.32, -.22, -.08, low - .32, low - .12, low + .05], [.8*m, m, knob, bay, m + .06, 1.15*h, apex, 1.35*h])
    right = _profile([-.6, -.3, -.05, low - .35, low - .2, low + .05], [.9*m, m, m, .58*h + .02, .62*h + .02, .5*h])
    return _step(left - X + p.shift, .05)*_step(right + X - p.shift, .05)

def _ribs(p, cage):
    out, t = np.abs(X)/cage, np.minimum(np.abs(X)/p.width, 1.1)
    back = 2.2*np.cos(2*np.pi*(Y - p.slope*t**2 + .06*t)/p.gap) - .2
    front = 2.2*np.cos(2*np.pi*(Y + (p.slope + .25)*t - .12*t**3)/(1.12*p.gap)) - .2
    hollow = [np.clip(wave, 0, 1) - .4*np.clip(wave - .9, 0, 1) for wave in (back, front)]  # cortex is denser than marrow
    within = _step(1.06 - out, .05)*_step(.95 - Y, .6)*_step(Y - p.apex + .08, .1)
    return within*(hollow[0]*_step(out - .1, .1) + .45*hollow[1]*_step(out - .5, .3) + .25*_step(out - .98, .06))

def _bones(p):
    "Clavicles, scapulae and the heads of the humeri."
    layer, pen, at = _pen()
    for s in -1, 1:
        blade = [(.1, .08), (.04, -.1), (0, -.5), (.12, -.66), (.3, -.6), (.22, -.3), (.1, .08)]
        pen.polygon(at([(s*(p.scapula + x), y) for x, y in blade]), fill=50)
        pen.line(at([(s*(p.scapula + x), y) for x, y in blade]), fill=105, width=5, joint='curve')
        pen.ellipse(at([(s - .12, -.74), (s + .12, -.48)]), fill=90)
        curve = [(.6*p.shift + s*(.05 + .75*u), p.clavicle - .15*s*p.shift - .17*u + .03*np.sin(7*u)) for u in np.linspace(0, 1, 16)]
        for fill, width in (170, 14), (120, 8): pen.line(at(curve), fill=fill, width=width, joint='curve')
    spine = _step(.085 - np.abs(X - .4*p.shift), .05)*(.7 + .3*np.cos(2*np.pi*Y/.14))
    return .2*_blurred(layer, 1.8) + .12*spine

def _vessels(rng, p):
    layer, pen, at = _pen()
    def branch(x, y, angle, length, width):
        end = x + length*np.cos(angle), y + length*np.sin(angle)
        pen.line(at([(x, y), end]), fill=int(50 + 26*width), width=round(width))
        for turn in rng.normal(0, .4, 2 if width > 1.2 else 0): branch(*end, angle + turn, length*.82, width*.68)
    for s in -1, 1:
        x, y = s*(p.middle + .04) + p.shift, -.08
        pen.ellipse(at([(x - .055, y - .11), (x + .055, y + .1)]), fill=110)
        for a in np.linspace(-1.25, 1.45, 7) + rng.normal(0, .12, 7): branch(x, y, a if s > 0 else np.pi - a, .15, 5)
    return _blurred(layer, 1.3)

def _place(rng, air):
    "A point of the lungs, likelier where there is more air."
    weight = air[4::8, 4::8].astype(float).ravel()**2
    row, col = divmod(rng.choice(weight.size, p=weight/weight.sum()), GRID//8)
    return X[0, 4 + 8*col], Y[4 + 8*row, 0]

def _findings(rng, p, air):
    "The share of air displaced, 0..1, by what is not normal and not pneumonia either."
    gone = np.zeros_like(air)
    if 'effusion' in p.findings:
        level = p.domes[int(p.side > 0)] - rng.uniform(0, .25) - .9*np.clip(np.abs(X) - .4, 0, 1)**1.5
        gone += .9*_step(Y - level, .06)*(X*p.side > 0)
    for _ in range(rng.integers(1, 4) if 'mass' in p.findings else 0):
        r = rng.uniform(.04, .09)
        gone += rng.uniform(.35, .8)*_step(_ellipse(*_place(rng, air), r, r*rng.uniform(.85, 1.15)), .7)
    if 'band' in p.findings:
        (x, y), tilt = _place(rng, air*(Y > .05)), rng.normal(0, .25)
        gone += .6*_step(.018 - np.abs(Y - y - tilt*(X - x)), .03)*_step(.2 - np.abs(X - x), .12)
    return np.clip(gone, 0, 1)

def _opacities(rng, air):
    "One to three consolidations, each the share of air displaced in 0..1: patchy, with soft borders, in a quarter of the lungs of its own."
    for zone in rng.choice(4, rng.choice([1, 2, 3], p=[.35, .45, .2]), replace=False, p=[.18, .18, .32, .32]):
        side, low = 1 - 2*(zone % 2), zone > 1
        x, y = _place(rng, air*(X*side > .12)*(np.abs(Y - (.18 if low else -.38)) < .15))
        bell = np.exp(-((X - x)/rng.uniform(.16, .26))**2 - ((Y - y)/rng.uniform(.18, .31))**2)
        patch = np.clip(1.7*bell + .6*(_noise(rng, 14) - .5) - .35, 0, 1)
        yield rng.uniform(.45, .95)*patch*(1 - .4*_noise(rng, 70))*(X*side > 0)

def attenuation(rng, p, label):
    "The map of attenuation on the grid, about 0..1, and where on it each opacity shows."
    lungs, cage = _lungs(p)
    air = lungs*(1 - .95*_heart(p))
    patches = list(_opacities(rng, air)) if CLASSES[label] == 'Lung Opacity' else []
    left = air*np.prod([1 - gone for gone in [_findings(rng, p, air), *patches]], axis=0)
    gas = _ellipse(rng.uniform(.2, .42), p.domes[1] + .14, rng.uniform(.08, .16), rng.uniform(.05, .09))*(.5 + _noise(rng, 9))
    trachea = _step(.042 - np.abs(X - .8*p.shift), .05)*_step(-.33 - Y, .2)
    mu = _body(p)*(.78 + .05*_noise(rng, 8)) + .12*_step(Y - np.mean(p.domes), .5) + _bones(p) + _ribs(p, cage)*(.03 + .09*left)
    mu += left*(.2*_vessels(rng, p) + .06*_noise(rng, 60) - .56) - .15*trachea - rng.uniform(.05, .25)*np.clip(1.5*gas, 0, 1)
    return mu, [patch*air for patch in patches]
