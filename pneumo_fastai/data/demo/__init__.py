"The synthetic set, drawn by a program."
