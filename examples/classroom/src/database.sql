CREATE TABLE IF NOT EXISTS classroom_class (id INTEGER PRIMARY KEY, name TEXT NOT NULL, room TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS classroom_good (id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL);
INSERT OR IGNORE INTO classroom_class (id, name, room) VALUES
    (1, 'Arithmetic', '1.01'), (2, 'Drawing', '1.07'), (3, 'Geography', '2.12');
INSERT OR IGNORE INTO classroom_good (id, name, cents) VALUES
    (1, 'Chalk', 120), (2, 'Exercise book', 250), (3, 'Satchel', 4900), (4, 'Globe', 7950);
